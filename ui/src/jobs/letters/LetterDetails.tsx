// A dead letter: where its record stands, and its bytes with the part marked that the reason names.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatCount } from '../../format/number';
import { t } from '../../i18n';
import { formatBytes } from '../format';
import { Moment } from '../Moment';
import { Pending } from '../Pending';
import { failingPart, fieldOf, hexLines } from './mark';
import { type Letter, useLetter } from './queries';
import { ReplayButton } from './Replay';

export function LetterDetails({ id }: { id: string }) {
  const { data, error } = useLetter(id);
  return (
    <section className="jobs-section jobs-details" aria-labelledby="letter">
      <div className="jobs-title">
        <h2 id="letter">{t('Dead letter {{id}}', { id })}</h2>
        <Link to="." search={({ letter: _, ...rest }) => rest} resetScroll={false}>
          {t('Close')}
        </Link>
        {data && !data.replayed && (
          <div className="jobs-actions">
            <ReplayButton name={t('Replay this one')} wanted={{ ids: [id] }} count={1} />
          </div>
        )}
      </div>
      {!data && <Pending what={t('Dead letter {{id}}', { id })} error={error} />}
      {data && <Content letter={data} />}
    </section>
  );
}

function Content({ letter }: { letter: Letter }) {
  const facts: [string, ReactNode][] = [
    [t('Reason'), letter.reason],
    [t('Job'), letter.job],
    [t('Table'), letter.table],
    [
      t('Record'),
      t('{{topic}}-{{partition}} at {{offset}}', {
        topic: letter.topic,
        partition: letter.partition,
        offset: letter.offset,
      }),
    ],
    [t('Appended'), <Moment key="appended" at={letter.appended} />],
    [t('Written'), <Moment key="written" at={letter.time} />],
    ...(letter.queries?.length ? ([[t('Late for'), letter.queries.join(', ')]] as [string, string][]) : []),
    ...(letter.key === null ? [] : ([[t('Key'), letter.key]] as [string, string][])),
    [t('Size'), formatBytes(letter.cut?.bytes ?? letter.body_bytes)],
  ];
  return (
    <>
      <dl className="jobs-facts">
        {facts.map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      {letter.replayed && <p className="jobs-note">{t('It was replayed.')}</p>}
      {letter.counted_elsewhere && (
        <p className="jobs-note">{t('Other queries have counted it, so it cannot be replayed.')}</p>
      )}
      {letter.headers.length > 0 && (
        <ul className="jobs-operators">
          {letter.headers.map(({ name, value }, index) => (
            <li key={index}>
              <code>{`${name}: ${value ?? 'null'}`}</code>
            </li>
          ))}
        </ul>
      )}
      <Body letter={letter} />
    </>
  );
}

function Body({ letter }: { letter: Letter }) {
  const { reason, body, body_base64: base64 } = letter;
  const field = fieldOf(reason);
  const part = failingPart(reason, body);
  const isCut = letter.cut !== undefined;

  return (
    <>
      {field !== null && part === null && base64 === undefined && (
        <p className="jobs-warning">{t('The record has no field {{field}}.', { field })}</p>
      )}
      {isCut && (
        <p className="jobs-note">
          {t('These are its first {{bytes}} bytes; a replay reads the whole record from its topic.', {
            bytes: formatCount(letter.body_bytes),
          })}
        </p>
      )}
      {base64 !== undefined && <p className="jobs-note">{t('The bytes are no text in UTF-8.')}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="jobs-log" tabIndex={0} aria-label={t('Bytes of the record')}>
        {base64 !== undefined ? (
          hexLines(base64).join('\n')
        ) : part === null ? (
          body || t('(empty)')
        ) : (
          <>
            {body.slice(0, part.start)}
            <mark>{body.slice(part.start, part.end)}</mark>
            {body.slice(part.end)}
          </>
        )}
      </section>
    </>
  );
}
