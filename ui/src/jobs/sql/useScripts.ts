// The scripts of the page: which one is open, and every change of them kept in the browser.
import { useEffect, useState } from 'react';
import { t } from '../../i18n';
import {
  freeName,
  isOfScripts,
  keepScript,
  readScripts,
  removeScript,
  SCRIPTS_MAX,
  type Script,
} from './scripts';

const EXAMPLE = `-- The events of the topic user-queries, as Weir's own job declares them.
CREATE TABLE queries (
  query_id STRING,
  query_text STRING,
  \`user\` ROW<user_id STRING, user_type STRING, faculty STRING>,
  event_time TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'user-queries',
  'properties.bootstrap.servers' = 'embedded',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

SELECT query_id, query_text, \`user\`.user_type, event_time FROM queries;
`;

/** Without TLS browsers give no UUIDs. */
function newId(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}

function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    // A browser that keeps nothing for pages.
    return null;
  }
}

function first(): Script[] {
  const browser = storage();
  const kept = browser ? readScripts(browser) : [];
  return kept.length > 0 ? kept : [{ id: newId(), name: t('example'), text: EXAMPLE }];
}

export function useScripts() {
  const [scripts, setScripts] = useState(first);
  const [openId, setOpenId] = useState(scripts[0]?.id ?? '');
  const [isKept, setKept] = useState(true);
  const open = scripts.find(({ id }) => id === openId) ?? scripts[0];

  // Another tab keeps scripts, too. The one that is open here stays as it is.
  useEffect(() => {
    const learn = ({ key }: StorageEvent) => {
      const browser = storage();
      if (!browser || !isOfScripts(key)) return;
      const kept = readScripts(browser);
      setScripts((before) => {
        const mine = before.find(({ id }) => id === openId);
        const others = kept.filter(({ id }) => id !== openId);
        return mine ? [...others, mine].toSorted((a, b) => (a.id < b.id ? -1 : 1)) : kept;
      });
    };
    addEventListener('storage', learn);
    return () => removeEventListener('storage', learn);
  }, [openId]);

  const keep = (script: Script) => {
    const browser = storage();
    setKept(browser !== null && keepScript(browser, script));
  };

  const change = (id: string, part: Partial<Script>) => {
    const script = scripts.find((script) => script.id === id);
    if (!script) return;
    const changed = { ...script, ...part };
    setScripts(scripts.map((script) => (script.id === id ? changed : script)));
    keep(changed);
  };

  const add = () => {
    const script = { id: newId(), name: freeName(scripts, t('script')), text: '' };
    setScripts([...scripts, script]);
    setOpenId(script.id);
    keep(script);
  };

  const remove = (id: string) => {
    const browser = storage();
    if (browser) removeScript(browser, id);
    const rest = scripts.filter((script) => script.id !== id);
    const left = rest.length > 0 ? rest : [{ id: newId(), name: t('script'), text: '' }];
    setScripts(left);
    setOpenId(left[0]?.id ?? '');
  };

  return { scripts, open, setOpenId, change, add, remove, hasRoom: scripts.length < SCRIPTS_MAX, isKept };
}
