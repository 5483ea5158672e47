// A sentence with elements as values, such as a command, a moment or a link: a translation puts them in its own order.
import { createElement, Fragment, type ReactNode } from 'react';

interface SentenceProps {
  /** A translated text. `t` leaves each `{{name}}` in place for which it got no value. */
  text: string;
  values: Record<string, ReactNode>;
}

export function Sentence({ text, values }: SentenceProps) {
  // Splitting by a group gives text and names in turns.
  const parts = text.split(/\{\{(\w+)\}\}/);
  return createElement(
    Fragment,
    null,
    ...parts.map((part, index) => (index % 2 === 0 ? part : values[part])),
  );
}
