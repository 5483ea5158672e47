// A rule as the form holds it: every field a text, until it is saved.
import type { Rule } from './api';

export interface Draft {
  title: string;
  title_vi: string;
  table: string;
  number: string;
  /** Columns, separated by commas. */
  by: string;
  where: string;
  side: 'above' | 'below';
  bound: string;
  for_windows: string;
  url: string;
  header: string;
  secret: string;
  enabled: boolean;
}

export const EMPTY: Draft = {
  title: '',
  title_vi: '',
  table: '',
  number: '',
  by: '',
  where: '',
  side: 'above',
  bound: '',
  for_windows: '1',
  url: '',
  header: '',
  secret: '',
  enabled: true,
};

export function draftOf(rule: Rule): Draft {
  return {
    title: rule.title,
    title_vi: rule.title_vi ?? '',
    table: rule.table,
    number: rule.number,
    by: (rule.by ?? []).join(', '),
    where: rule.where ?? '',
    side: rule.below == null ? 'above' : 'below',
    bound: String(rule.above ?? rule.below ?? ''),
    for_windows: String(rule.for_windows ?? 1),
    url: rule.webhook?.url ?? '',
    header: rule.webhook?.header?.name ?? '',
    secret: rule.webhook?.header?.value ?? '',
    enabled: rule.enabled ?? true,
  };
}

/** The document of a draft; a field that is empty is left out. The server checks the rest, and names the place. */
export function ruleOf(draft: Draft): Rule {
  const columns = draft.by.split(',').flatMap((name) => name.trim() || []);
  const header = draft.header.trim();
  const bound = draft.bound.trim() === '' ? Number.NaN : Number(draft.bound);
  return {
    version: 1,
    title: draft.title.trim(),
    ...(draft.title_vi.trim() && { title_vi: draft.title_vi.trim() }),
    table: draft.table,
    number: draft.number,
    ...(columns.length > 0 && { by: columns }),
    ...(draft.where.trim() && { where: draft.where.trim() }),
    ...(Number.isFinite(bound) && { [draft.side]: bound }),
    for_windows: Math.trunc(Number(draft.for_windows)) || 0,
    ...(draft.url.trim() && {
      webhook: {
        url: draft.url.trim(),
        ...(header && { header: { name: header, value: draft.secret } }),
      },
    }),
    enabled: draft.enabled,
  };
}
