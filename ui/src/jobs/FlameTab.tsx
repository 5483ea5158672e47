// The flame graph of a vertex: what its threads were seen doing in a second, as a picture and as a table.
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { type FlameGraph, type Frame, framesOf } from './flame';
import { formatShare } from './format';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { shortName } from './plan';
import { isOver, usePolled } from './queries';
import { flameRoute } from './router';
import { Sentence } from './Sentence';
import { Table } from './Table';
import type { Vertex } from './types';

const REFRESH_MS = 3_000;
/** Height of a frame; styles/graph.css has the same. */
const FRAME_PX = 24;

type Kind = 'full' | 'on_cpu' | 'off_cpu';

export function FlameTab() {
  const job = useJob();
  const { vertex: wanted, kind: wantedKind, subtask } = flameRoute.useSearch();
  const vertex = job.vertices.find(({ id }) => id === wanted) ?? job.vertices[0];
  const kinds: Kind[] = ['full', 'on_cpu', 'off_cpu'];
  const kind = kinds.find((kind) => kind === wantedKind) ?? 'full';

  if (isOver(job.state))
    return <p className="jobs-note">{t('A job that has ended has no threads to look at.')}</p>;
  if (!vertex) return <p className="jobs-note">{t('The job has no vertices yet.')}</p>;
  const isSubtask = subtask !== undefined && Number(subtask) < vertex.parallelism;
  return (
    <section className="jobs-section" aria-labelledby="flames">
      <h2 id="flames">{t('{{vertex}}: what its threads do', { vertex: shortName(vertex.name) })}</h2>
      <Choices vertex={vertex} kind={kind} subtask={isSubtask ? subtask : undefined} />
      <Flames
        path={`jobs/${job.jid}/vertices/${vertex.id}/flamegraph?type=${kind}${isSubtask ? `&subtaskindex=${subtask}` : ''}`}
      />
    </section>
  );
}

function Choices({ vertex, kind, subtask }: { vertex: Vertex; kind: Kind; subtask: string | undefined }) {
  const job = useJob();
  const navigate = flameRoute.useNavigate();
  const change = (part: Record<string, string | undefined>) =>
    navigate({ search: (search) => ({ ...search, ...part }), replace: true });
  return (
    <div className="sql-bar">
      <label className="jobs-choice">
        {t('Vertex')}{' '}
        <select
          value={vertex.id}
          onChange={({ target }) => change({ vertex: target.value, subtask: undefined })}
        >
          {job.vertices.map(({ id, name }) => (
            <option key={id} value={id}>
              {shortName(name)}
            </option>
          ))}
        </select>
      </label>
      <label className="jobs-choice">
        {t('Subtask')}{' '}
        <select
          value={subtask ?? ''}
          onChange={({ target }) => change({ subtask: target.value || undefined })}
        >
          <option value="">{t('All subtasks')}</option>
          {Array.from({ length: vertex.parallelism }, (_, index) => (
            <option key={String(index)} value={index}>
              {index + 1}
            </option>
          ))}
        </select>
      </label>
      <label className="jobs-choice">
        {t('Samples')}{' '}
        <select value={kind} onChange={({ target }) => change({ kind: target.value })}>
          <option value="full">{t('all')}</option>
          <option value="on_cpu">{t('while working')}</option>
          <option value="off_cpu">{t('while waiting')}</option>
        </select>
      </label>
    </div>
  );
}

function Flames({ path }: { path: string }) {
  const { data, error } = usePolled<FlameGraph>(path, { everyMs: REFRESH_MS });
  if (!data) return <Pending what={t('Flame graph')} error={error} />;
  if (!data.data || data.endTimestamp < 0) {
    return <p className="jobs-note">{t('The threads are being sampled for a second…')}</p>;
  }
  const frames = framesOf(data.data);
  if (frames.length === 0) return <p className="jobs-note">{t('No sample is of this kind.')}</p>;

  return (
    <>
      <p className="jobs-quiet">
        <Sentence
          text={t('{{samples}} samples of one second, until {{time}}', {
            samples: formatCount(data.data.value),
          })}
          values={{ time: <Moment at={data.endTimestamp} /> }}
        />
      </p>
      <Picture frames={frames} />
      <Table
        caption={t('Frames of the flame graph')}
        keyOf={({ path }) => path}
        rows={frames}
        columns={[
          {
            name: t('Frame'),
            cell: ({ name, depth }) => <code style={{ marginInlineStart: `${depth * 16}px` }}>{name}</code>,
          },
          { name: t('Share'), isNumber: true, cell: ({ share }) => formatShare(share) },
        ]}
      />
    </>
  );
}

function Picture({ frames }: { frames: Frame[] }) {
  const depth = Math.max(...frames.map((frame) => frame.depth)) + 1;
  return (
    <div className="jobs-flames" aria-hidden="true" style={{ blockSize: depth * FRAME_PX }}>
      {frames.map((frame) => (
        <span
          key={frame.path}
          className={`jobs-flame jobs-flame-${frame.depth % 3}`}
          title={`${frame.name}: ${formatShare(frame.share)}`}
          style={{
            insetInlineStart: `${frame.left * 100}%`,
            inlineSize: `${frame.share * 100}%`,
            insetBlockEnd: frame.depth * FRAME_PX,
          }}
        >
          {frame.name}
        </span>
      ))}
    </div>
  );
}
