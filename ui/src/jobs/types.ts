// The parts of the job manager's answers that these pages show. Times and durations are milliseconds, sizes are bytes
// unless a comment says otherwise; -1 is a time that has not come.

export interface Cluster {
  taskmanagers: number;
  'slots-total': number;
  'slots-available': number;
  'jobs-running': number;
  'jobs-finished': number;
  'jobs-cancelled': number;
  'jobs-failed': number;
  'flink-version': string;
  'flink-commit': string;
}

export interface JobLine {
  jid: string;
  name: string;
  state: string;
  'start-time': number;
  'end-time': number;
  duration: number;
  'last-modification': number;
  tasks: { total: number; running: number; finished: number };
}

export interface Job {
  jid: string;
  name: string;
  state: string;
  'start-time': number;
  'end-time': number;
  duration: number;
  timestamps: Record<string, number>;
  vertices: Vertex[];
  plan: { nodes: PlanNode[] };
}

export interface Vertex {
  id: string;
  name: string;
  parallelism: number;
  status: string;
  duration: number;
  metrics: Record<string, number | string | boolean>;
}

export interface PlanNode {
  id: string;
  /** HTML: lines that end with `<br/>`. */
  description: string;
  inputs: { id: string; ship_strategy: string }[];
}

export interface VertexDetails {
  id: string;
  subtasks: Subtask[];
}

export interface Subtask {
  subtask: number;
  status: string;
  attempt: number;
  duration: number;
  metrics: Record<string, number | string | boolean>;
}

export interface Backpressure {
  subtasks?: { subtask: number; ratio: number; busyRatio: number; idleRatio: number }[];
}

/** A metric over all subtasks of a vertex. */
export interface Aggregated {
  id: string;
  min: number;
  max: number;
  avg: number;
  sum: number;
}

/** A metric; the value is missing in lists of names. */
export interface Metric {
  id: string;
  value?: string;
}

/** `/weir/jobs/{job}`: what is wrong with a job, and what became of its records. */
export interface Figures {
  problem: string | null;
  mostly_dead: string | null;
  mostly_late: string | null;
  /** Whether the job failed because it could not be started with Weir. */
  not_started: boolean;
  restarts: number;
  ledger: Ledger;
  memory: { held_bytes: number; limit_bytes: number | null; held_back: string | null };
  queries: QueryFigures[];
}

/** A query; null is a time that has not come. */
export interface QueryFigures {
  name: string;
  description: string;
  /** Whether it counts in windows directly over a table. */
  is_windowed: boolean;
  /** As last measured; null for a query without windows. */
  open_windows: number | null;
  groups: number | null;
  rows_written: number;
  last_written_ms: number | null;
  last_window_end_ms: number | null;
  state_bytes: number;
  late: number;
  watermark_ms: number | null;
  /** End of the first window that the watermark has not passed. */
  open_until_ms: number | null;
  newest_ms: number | null;
  /** The partition that is the furthest behind, if there are several. */
  behind: { topic: string; partition: number; watermark_ms: number | null; unread: number | null } | null;
}

export interface Ledger {
  accepted: number;
  counted: number;
  filtered: number;
  empty: number;
  late: number;
  dead_lettered: number;
  lost: number;
}

export interface Checkpoint {
  id: number;
  status: string;
  is_savepoint: boolean;
  checkpoint_type: string;
  trigger_timestamp: number;
  latest_ack_timestamp: number;
  end_to_end_duration: number;
  checkpointed_size: number;
  state_size: number;
  num_subtasks: number;
  num_acknowledged_subtasks: number;
  external_path?: string | null;
  discarded?: boolean;
  failure_timestamp?: number;
  failure_message?: string | null;
  tasks?: Record<string, CheckpointOfVertex>;
}

export interface CheckpointOfVertex {
  status: string;
  latest_ack_timestamp: number;
  end_to_end_duration: number;
  checkpointed_size: number;
  state_size: number;
  num_subtasks: number;
  num_acknowledged_subtasks: number;
}

export interface CheckpointSubtasks {
  subtasks: {
    index: number;
    status: string;
    ack_timestamp?: number;
    end_to_end_duration?: number;
    checkpointed_size?: number;
    state_size?: number;
    start_delay?: number;
    alignment?: { duration: number };
    checkpoint?: { sync: number; async: number };
  }[];
}

export interface Spread {
  min: number;
  max: number;
  avg: number;
  p95: number | string;
}

export interface Checkpoints {
  counts: { restored: number; total: number; in_progress: number; completed: number; failed: number };
  summary: { end_to_end_duration: Spread; checkpointed_size: Spread; state_size: Spread };
  latest: {
    completed: Checkpoint | null;
    savepoint: Checkpoint | null;
    failed: Checkpoint | null;
    restored: {
      id: number;
      restore_timestamp: number;
      is_savepoint: boolean;
      external_path?: string | null;
    } | null;
  };
  history: Checkpoint[];
}

export interface Exceptions {
  exceptionHistory: {
    entries: {
      exceptionName: string;
      stacktrace: string;
      timestamp: number;
      taskName?: string | null;
      endpoint?: string | null;
    }[];
    truncated: boolean;
  };
}

export interface JobConfig {
  'execution-config': {
    'restart-strategy': string;
    'job-parallelism': number;
    'user-config': Record<string, string>;
  };
}

export interface Setting {
  key: string;
  value: string;
}

export interface TaskManager {
  id: string;
  path: string;
  /** A moment, despite its name. */
  timeSinceLastHeartbeat: number;
  slotsNumber: number;
  freeSlots: number;
  hardware: { cpuCores: number; physicalMemory: number; freeMemory: number };
  metrics?: { heapUsed: number; heapCommitted: number; heapMax: number };
  allocatedSlots?: { jobId: string; resource: { cpuCores: number }; assignedTasks?: number }[];
}

/** How far a savepoint or a stop is. */
export interface Progress {
  status: { id: 'IN_PROGRESS' | 'COMPLETED' };
  operation: { location?: string; 'failure-cause'?: { class: string; 'stack-trace': string } } | null;
}
