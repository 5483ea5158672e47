// Colours for what is drawn by script. They are written once, as CSS custom properties in styles/, and read here.
import { useSyncExternalStore } from 'react';

export interface Theme {
  text: string;
  muted: string;
  line: string;
  panel: string;
  accent: string;
  /** On the accent colour. */
  onAccent: string;
  /** The pale end of a scale that ends in the accent colour. */
  heatFrom: string;
  /** From where on that scale, 0-1, its colours need `onAccent` on them instead of `text`. */
  heatTurn: number;
  good: string;
  warn: string;
  bad: string;
  /** For groups, in a fixed order that is told apart by people with any colour vision. */
  groups: string[];
  /** For the group without a name and for what is summed up as others. */
  rest: string;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
let theme: Theme | null = null;

/** The theme in force; another object after the reader's system changed between light and dark. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, readTheme);
}

export const prefersReducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

function subscribe(listener: () => void): () => void {
  const changed = () => {
    theme = null;
    listener();
  };
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}

function readTheme(): Theme {
  if (theme) return theme;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  theme = {
    text: read('text'),
    muted: read('muted'),
    line: read('line'),
    panel: read('panel'),
    accent: read('accent'),
    onAccent: read('on-accent'),
    heatFrom: read('heat-from'),
    heatTurn: Number(read('heat-turn')),
    good: read('good'),
    warn: read('warn'),
    bad: read('bad'),
    groups: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => read(`group-${n}`)),
    rest: read('group-rest'),
  };
  return theme;
}

/** The user types that producers send; they have the same colour wherever they appear. */
const USER_TYPES = ['Sinh viên', 'Học sinh', 'Giảng viên', 'Khách'];

/** Colour of a user type. Types we do not know share the colours behind the known ones by their name. */
export function userTypeColor(userType: string, { groups, rest }: Theme): string {
  if (userType === 'unknown') return rest;
  const known = USER_TYPES.indexOf(userType);
  if (known >= 0) return groups[known] ?? rest;
  const others = groups.slice(USER_TYPES.length);
  const sum = [...userType].reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0);
  return others[sum % others.length] ?? rest;
}
