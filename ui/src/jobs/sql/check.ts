// What is wrong with a script, asked for while it is written.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { act } from '../api';
import type { Checked } from './types';

/** Long enough that a word is typed in it. */
const PAUSE_MS = 350;

/** A text once it has not changed for a moment. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** The compiler's findings about a script. Those of the text before stay until there are new ones. */
export function useChecked(script: string) {
  return useQuery({
    queryKey: ['check', script],
    queryFn: async () => ({ script, checked: await act<Checked>('POST', 'weir/sql/check', { script }) }),
    enabled: script.trim() !== '',
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 5_000,
    placeholderData: (before) => (script.trim() === '' ? undefined : before),
  });
}
