// The words of Flink SQL, for highlighting and completion.
import { SQLDialect } from '@codemirror/lang-sql';

const KEYWORDS =
  'add all and any array as asc begin between both by case cast catalog column columns comment constraint create cross ' +
  'cumulate current databases date day desc describe descriptor distinct drop else end escape except execute exists ' +
  'explain extract false fetch filter first following for from full function functions group grouping having hop hour if ' +
  'ignore in inner insert intersect interval into is join json key last lateral left like limit map match_recognize ' +
  'measures metadata minute month natural not null nulls of offset on only or order ordinality outer over partition ' +
  'partitioned pattern period preceding primary range recursive replace reset respect right row rows second select session ' +
  'set sets show similar size slide some start statement step stop substring symmetric system_time table tablesample ' +
  'temporary then time to trim true try_cast tumble unbounded union unique unknown unnest update using value values view ' +
  'views virtual watermark when where window with within without year zone';

const TYPES =
  'bigint binary boolean bytes char date decimal double float int integer multiset numeric raw smallint string time ' +
  'timestamp timestamp_ltz tinyint varbinary varchar variant';

export const FLINK = SQLDialect.define({
  keywords: KEYWORDS,
  types: TYPES,
  identifierQuotes: '`',
  hashComments: false,
  doubleDollarQuotedStrings: false,
  operatorChars: '*+-%<>!=&|~^/',
});
