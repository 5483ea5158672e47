// A command to paste into a terminal, with a button that copies it.
import { useEffect, useRef, useState } from 'react';
import { t } from '../i18n';

const SHOWN_MS = 2_000;

interface CopyCommandProps {
  command: string;
  /** The command as it is to be copied, made at that moment. */
  copied: () => string;
}

export function CopyCommand({ command, copied }: CopyCommandProps) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');

  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(copied());
      setSaid(t('Copied'));
    } catch {
      // Without TLS browsers give no clipboard: select the text, so that a key press copies it.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setSaid(t('Selected: press Ctrl+C'));
    }
  }

  return (
    <div className="command">
      <pre>
        <code ref={code}>{command}</code>
      </pre>
      <div className="command-actions">
        <button type="button" className="button" onClick={copy}>
          {t('Copy command')}
        </button>
        <span role="status">{said}</span>
      </div>
    </div>
  );
}
