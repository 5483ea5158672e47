// Suggestions for the word at the cursor: columns of the table before a dot, otherwise tables, columns and functions.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { syntaxTree } from '@codemirror/language';
import { t } from '../../i18n';
import type { Declared, SqlFunction } from './types';

/** What the server knows about the script and about SQL. */
export interface Known {
  objects: Declared[];
  functions: SqlFunction[];
}

/** Words behind which a table is named. */
const BEFORE_TABLES = /\b(?:FROM|JOIN|INTO|TABLE|DESCRIBE)\s+`?[\w$]*$/i;

export function completions(known: () => Known) {
  return (context: CompletionContext): CompletionResult | null => {
    const node = syntaxTree(context.state).resolveInner(context.pos, -1).name;
    if (/comment|^string$/i.test(node)) return null;

    const { objects, functions } = known();
    const member = context.matchBefore(/[\w$`]+\.`?[\w$]*$/);
    if (member) {
      const dot = member.text.lastIndexOf('.');
      const object = objectOf(context.state.doc.toString(), member.text.slice(0, dot), objects);
      const options = object ? columnsOf(object) : [];
      return { from: member.from + dot + 1, options, validFor: /^`?[\w$]*$/ };
    }

    const word = context.matchBefore(/`?[\w$]+$/);
    if (!word && !context.explicit) return null;
    const line = context.state.doc.lineAt(context.pos);
    const wantsTable = BEFORE_TABLES.test(line.text.slice(0, context.pos - line.from));
    return {
      from: word?.from ?? context.pos,
      options: wantsTable
        ? objects.map(optionOf)
        : [...objects.map(optionOf), ...allColumns(objects), ...functions.flatMap(functionOptions)],
      validFor: /^`?[\w$]*$/,
    };
  };
}

/** The table or view that a name in a script stands for: its own, or an alias behind FROM or JOIN. */
export function objectOf(script: string, name: string, objects: Declared[]): Declared | undefined {
  const bare = name.replaceAll('`', '');
  const named = (wanted: string) => objects.find((object) => object.name === wanted);
  if (named(bare)) return named(bare);
  const aliased = new RegExp(
    `\\b(?:FROM|JOIN)\\s+\`?([\\w$]+)\`?\\s+(?:AS\\s+)?\`?${bare.replaceAll('$', '\\$')}\\b`,
    'i',
  );
  const table = aliased.exec(script)?.[1];
  return table === undefined ? undefined : named(table);
}

/** A name as it is written in SQL. */
export function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name.toUpperCase())
    ? name
    : `\`${name.replaceAll('`', '``')}\``;
}

/** Words that are often names of columns and are reserved in Flink SQL. */
const RESERVED = new Set(
  'DATE,TIME,TIMESTAMP,USER,VALUE,DAY,HOUR,MINUTE,SECOND,MONTH,YEAR,ORDER,GROUP,START,END,RESULT,LANGUAGE,COUNT,LEVEL,METHOD,OFFSET,POSITION,RANK,ROW,ROWS,TABLE,TYPE_,WINDOW'.split(
    ',',
  ),
);

function optionOf({ name, is_view: isView, columns }: Declared): Completion {
  return {
    label: name,
    apply: quoted(name),
    type: isView ? 'interface' : 'class',
    detail: isView ? t('view') : t('table'),
    info: columns.map((column) => `${column.name} ${column.data_type}`).join('\n'),
    boost: 2,
  };
}

function columnsOf(object: Declared): Completion[] {
  return object.columns.map(({ name, data_type: type }) => ({
    label: name,
    apply: quoted(name),
    type: 'property',
    detail: type.length > 40 ? `${type.slice(0, 40)}…` : type,
  }));
}

function allColumns(objects: Declared[]): Completion[] {
  const columns = new Map(
    objects.flatMap((object) => columnsOf(object).map((of) => [of.label, of] as const)),
  );
  return [...columns.values()].map((column) => ({ ...column, boost: 1 }));
}

function functionOptions({ names, doc }: SqlFunction): Completion[] {
  return names
    .filter((name) => /^\w+$/.test(name))
    .map((name) => ({ label: name, type: 'function', info: doc, boost: -1 }));
}
