// The state of a job, a subtask or a checkpoint, as a word in its colour.
const TONES: Record<string, string> = {
  RUNNING: 'good',
  COMPLETED: 'good',
  FINISHED: 'done',
  CANCELED: 'quiet',
  SUSPENDED: 'quiet',
  FAILED: 'bad',
  FAILING: 'bad',
};

export function State({ state }: { state: string }) {
  return <span className={`jobs-state jobs-state-${TONES[state] ?? 'warn'}`}>{state}</span>;
}
