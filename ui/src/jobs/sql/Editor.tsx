// The editor of a script, with CodeMirror. It stands in a shadow tree: there its styles are sheets that a script may
// create, which the page's content policy allows, instead of elements, which the policy blocks.
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { keywordCompletionSource, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { t } from '../../i18n';
import { completions, type Known } from './completion';
import { FLINK } from './dialect';
import { positionsOf, visible } from './places';
import type { Finding } from './types';

export interface EditorProps {
  /** Another script is another editor: give it a key. */
  text: string;
  known: Known;
  findings: Finding[];
  /** The text that the findings are about: they are not drawn over another one. */
  checked: string | null;
  onChange: (text: string) => void;
  onRun: () => void;
  /** Takes a function that moves the cursor to a finding. */
  onReady: (show: (finding: Finding) => void) => void;
}

export default function Editor(props: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  // The editor lives longer than the functions and the knowledge of one rendering.
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const editor = new EditorView({
      state: EditorState.create({
        doc: latest.current.text,
        extensions: extensions(latest),
      }),
      parent: root,
      root,
    });
    view.current = editor;
    latest.current.onReady((finding) => show(editor, finding));
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, []);

  const { findings, checked } = props;
  useEffect(() => {
    const editor = view.current;
    if (!editor || checked !== editor.state.doc.toString()) return;
    editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(checked, findings)));
  }, [findings, checked]);

  return <div className="sql-editor" ref={host} />;
}

function extensions(latest: { current: EditorProps }) {
  const known = () => latest.current.known;
  const run = {
    key: 'Mod-Enter',
    run: () => {
      latest.current.onRun();
      return true;
    },
  };
  return [
    Prec.highest(keymap.of([run])),
    lineNumbers(),
    history(),
    drawSelection(),
    highlightSpecialChars(),
    highlightActiveLine(),
    bracketMatching(),
    closeBrackets(),
    sql({ dialect: FLINK, upperCaseKeywords: true }),
    autocompletion({
      override: [completions(known), keywordCompletionSource(FLINK, true)],
      icons: false,
      maxRenderedOptions: 60,
    }),
    // Tab is not among them: it leaves the editor, as everywhere on a page.
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
    syntaxHighlighting(COLOURS),
    EditorView.contentAttributes.of({ 'aria-label': t('SQL script'), spellcheck: 'false', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current.onChange(update.state.doc.toString());
    }),
    LOOKS,
  ];
}

function diagnosticsOf(script: string, findings: Finding[]): Diagnostic[] {
  const places = positionsOf(
    script,
    findings.flatMap(({ start, end }) => [start, end]),
  );
  return findings.map((finding, index) => ({
    ...visible(places[2 * index] ?? 0, places[2 * index + 1] ?? 0, script.length),
    severity: finding.severity === 'error' ? 'error' : 'info',
    message: [finding.message, finding.detail, finding.hint].filter(Boolean).join('\n'),
  }));
}

function show(editor: EditorView, finding: Finding): void {
  const [start = 0, end = 0] = positionsOf(editor.state.doc.toString(), [finding.start, finding.end]);
  editor.dispatch({ selection: { anchor: start, head: end }, scrollIntoView: true });
  editor.focus();
}

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--muted)', fontStyle: 'italic' },
]);

const LOOKS = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--panel)', fontSize: '13.5px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': {
    fontFamily:
      'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "Noto Sans Mono", "DejaVu Sans Mono", monospace',
    lineHeight: '1.55',
  },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--accent) 28%, transparent)',
  },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
  '.cm-gutters': {
    color: 'var(--muted)',
    backgroundColor: 'var(--panel)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-matchingBracket': { backgroundColor: 'color-mix(in srgb, var(--accent) 22%, transparent)' },
  '.cm-tooltip': {
    color: 'var(--text)',
    backgroundColor: 'var(--panel)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-completionInfo': {
    maxWidth: 'min(420px, 80vw)',
    padding: '8px 10px',
    whiteSpace: 'pre-wrap',
    overflow: 'auto',
    maxHeight: '260px',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    color: 'var(--on-accent)',
    backgroundColor: 'var(--accent)',
  },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  'li[aria-selected] .cm-completionDetail': { color: 'inherit' },
  '.cm-diagnosticText': { whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error': { borderLeft: '4px solid var(--bad)' },
  '.cm-diagnostic-info': { borderLeft: '4px solid var(--warn)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad)',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-info': {
    backgroundImage: 'none',
    textDecoration: 'underline dotted var(--warn)',
    textUnderlineOffset: '3px',
  },
});
