// A text to take along, such as an id or a path, with a button that copies it.
import { useEffect, useRef, useState } from 'react';
import { t } from '../i18n';

const SHOWN_MS = 2_000;

interface CopyProps {
  text: string;
  /** What the button does, for screen readers. */
  label: string;
}

export function Copy({ text, label }: CopyProps) {
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
      setSaid(t('Copied'));
    } catch {
      // Without TLS browsers give no clipboard: select the text, so that a key press copies it.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setSaid(t('Selected: press Ctrl+C'));
    }
  }

  return (
    <span className="jobs-copy">
      <code ref={code}>{text}</code>
      <button type="button" className="jobs-quiet-button" aria-label={label} onClick={copy}>
        {t('Copy')}
      </button>
      <span role="status">{said}</span>
    </span>
  );
}
