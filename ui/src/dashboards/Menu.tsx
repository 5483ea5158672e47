// A menu behind a button: closed by Escape, by a click elsewhere, and after a choice.
import { type ReactNode, useEffect, useRef } from 'react';

interface MenuProps {
  label: string;
  /** What stands on the button; by default three dots. */
  face?: string;
  children: ReactNode;
}

export function Menu({ label, face = '⋯', children }: MenuProps) {
  const menu = useRef<HTMLDetailsElement>(null);

  useEffect(() => {
    const close = (event: Event) => {
      const { current } = menu;
      if (!current?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return;
        current.querySelector('summary')?.focus();
      } else if (event.target instanceof Node && current.contains(event.target)) {
        const choice = event.target instanceof Element ? event.target.closest('a, button') : null;
        if (!choice) return;
      }
      current.open = false;
    };
    document.addEventListener('click', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('click', close);
      document.removeEventListener('keydown', close);
    };
  }, []);

  return (
    <details className="board-menu" ref={menu}>
      <summary aria-label={label}>{face}</summary>
      <div className="board-menu-items">{children}</div>
    </details>
  );
}
