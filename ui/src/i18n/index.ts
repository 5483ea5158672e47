// The languages of the pages. The English text stands in the code and is the key of its translation.
import i18next from 'i18next';

export const LANGUAGES = { en: 'English', vi: 'Tiếng Việt' } as const;
export type Language = keyof typeof LANGUAGES;

/** Where the reader's choice is kept. */
const CHOICE = 'weir.language';

/** The language that was chosen, or else that of the browser. */
export const language: Language = chosen() ?? (preferred().startsWith('vi') ? 'vi' : 'en');

/** How numbers and dates are written: as in the reader's country, if the language is theirs. */
export const locale: string = preferred().startsWith(language) ? preferred() : language;

// Readers of English need no translations. Outside of a browser, in tests, all languages are there.
const needsVi = language === 'vi' || typeof document === 'undefined';
const resources = needsVi ? { vi: { translation: (await import('./vi.json')).default } } : {};

void i18next.init({
  lng: language,
  resources,
  // Sentences have full stops and colons.
  keySeparator: false,
  nsSeparator: false,
  // React escapes what it draws.
  interpolation: { escapeValue: false },
  initAsync: false,
});

if (typeof document !== 'undefined') document.documentElement.lang = language;

/** The text in the reader's language; `{{name}}` in it stands for a value. */
export function t(text: string, values: Record<string, string | number> = {}): string {
  return i18next.t(text, values);
}

/** Formats are made when the page is loaded, so it is loaded again. */
export function choose(language: Language): void {
  localStorage.setItem(CHOICE, language);
  location.reload();
}

function chosen(): Language | null {
  try {
    const choice = localStorage.getItem(CHOICE);
    return choice !== null && choice in LANGUAGES ? (choice as Language) : null;
  } catch {
    // A browser may refuse to keep anything.
    return null;
  }
}

function preferred(): string {
  return typeof navigator === 'undefined' ? 'en' : (navigator.language ?? 'en');
}
