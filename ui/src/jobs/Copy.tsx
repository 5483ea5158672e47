// A text to take along, such as an id or a path, with a button that copies it.
import { useEffect, useRef, useState } from 'react';

const SHOWN_MS = 2_000;

export function Copy({ text, what }: { text: string; what: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');

  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      // Without TLS browsers give no clipboard: select the text, so that a key press copies it.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setSaid('Selected: press Ctrl+C');
    }
  }

  return (
    <span className="jobs-copy">
      <code ref={code}>{text}</code>
      <button type="button" className="jobs-quiet-button" aria-label={`Copy ${what}`} onClick={copy}>
        Copy
      </button>
      <span role="status">{said}</span>
    </span>
  );
}
