// The graph of a job: drawn from left to right, and the same figures as a table for readers of screens and narrow ones.
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Boundary } from '../components/Boundary';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { formatRate, formatShare, formatWatermark } from './format';
import { useJob } from './JobPage';
import {
  type Bottleneck,
  bottleneckOf,
  type Edge,
  edgesOf,
  type Load,
  NO_LOAD,
  operatorsOf,
  shortName,
} from './plan';
import { isOver, useLoads } from './queries';
import { graphRoute } from './router';
import { State } from './State';
import { Table } from './Table';
import type { Job, Vertex } from './types';
import { VertexDetails } from './VertexDetails';

const GraphDrawing = lazy(() => import('./GraphDrawing'));

export interface GraphProps {
  job: Job;
  edges: Edge[];
  loads: ReadonlyMap<string, Load>;
  bottleneck: Bottleneck | null;
  selected: string | undefined;
}

export function GraphTab() {
  const job = useJob();
  const { vertex: selected } = graphRoute.useSearch();
  const { data } = useLoads(job);
  const edges = edgesOf(job);
  // The last rates of a job that is over say nothing about it.
  const loads: ReadonlyMap<string, Load> = isOver(job.state) || !data ? new Map() : data;
  const bottleneck = bottleneckOf(job.vertices, edges, loads);
  const graph = { job, edges, loads, bottleneck, selected };
  const vertex = job.vertices.find(({ id }) => id === selected);

  if (job.vertices.length === 0) return <p className="jobs-note">{t('The job has no vertices yet.')}</p>;
  return (
    <>
      {bottleneck && <p className="jobs-bottleneck-note">{bottleneck.why}</p>}
      <Boundary
        fallback={<p className="jobs-note">{t('The graph cannot be drawn; its figures are below.')}</p>}
      >
        <Suspense fallback={<div className="jobs-graph" />}>
          <GraphDrawing {...graph} />
        </Suspense>
      </Boundary>
      {vertex && <VertexDetails job={job} vertex={vertex} />}
      {selected !== undefined && !vertex && (
        <p className="jobs-note">{t('The job has no vertex {{vertex}}.', { vertex: selected })}</p>
      )}
      <section className="jobs-section" aria-labelledby="vertices">
        <h2 id="vertices">{t('Vertices')}</h2>
        <VertexTable {...graph} />
      </section>
    </>
  );
}

function VertexTable({ job, edges, loads, bottleneck }: GraphProps) {
  const load = (vertex: Vertex) => loads.get(vertex.id) ?? NO_LOAD;
  const nameOf = (id: string) => shortName(job.vertices.find((vertex) => vertex.id === id)?.name ?? id);
  const inputs = (vertex: Vertex) =>
    edges
      .filter(({ to }) => to === vertex.id)
      .map(({ from, strategy }) => `${nameOf(from)} (${strategy})`)
      .join(', ');

  return (
    <Table
      caption={t('Vertices of the job')}
      keyOf={({ id }) => id}
      rows={job.vertices}
      columns={[
        {
          name: t('Vertex'),
          cell: (vertex) => (
            <>
              <Link to="." search={{ vertex: vertex.id }} className="jobs-name" title={vertex.name}>
                {operatorsOf(vertex.name).join(', ')}
              </Link>
              {bottleneck?.id === vertex.id && <span className="jobs-tag">{t('Bottleneck')}</span>}
              {inputs(vertex) && (
                <p className="jobs-quiet">{t('from {{inputs}}', { inputs: inputs(vertex) })}</p>
              )}
            </>
          ),
        },
        { name: t('State'), cell: (vertex) => <State state={vertex.status} /> },
        { name: t('Parallelism'), isNumber: true, cell: (vertex) => vertex.parallelism },
        { name: t('Records in'), isNumber: true, cell: (vertex) => formatRate(load(vertex).recordsIn) },
        { name: t('Records out'), isNumber: true, cell: (vertex) => formatRate(load(vertex).recordsOut) },
        { name: t('Busy'), isNumber: true, cell: (vertex) => formatShare(load(vertex).busy) },
        {
          name: t('Backpressured'),
          isNumber: true,
          cell: (vertex) => formatShare(load(vertex).backpressured),
        },
        { name: t('Watermark'), isNumber: true, cell: (vertex) => watermarkText(loads.get(vertex.id)) },
        {
          name: t('Total in'),
          isNumber: true,
          cell: (vertex) => formatCount(Number(vertex.metrics['read-records'])),
        },
        {
          name: t('Total out'),
          isNumber: true,
          cell: (vertex) => formatCount(Number(vertex.metrics['write-records'])),
        },
      ]}
    />
  );
}

export function watermarkText(load: Load | undefined): string {
  return load ? formatWatermark(load.watermark, Date.now()) : '–';
}
