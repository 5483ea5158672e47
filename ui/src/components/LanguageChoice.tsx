// The choice of the language of the page.
import { choose, LANGUAGES, type Language, language, t } from '../i18n';

export function LanguageChoice() {
  return (
    <select
      className="language"
      aria-label={t('Language')}
      value={language}
      onChange={(event) => choose(event.target.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
