//! Starts the subtasks of operator vertices, and the threads of subtasks of any kind.

use super::control::{SubtaskId, SubtaskKind};
use super::memory_meter::measure_after;
use super::operator_task::OperatorSubtask;
use super::placement::Home;
use super::spec::JobSpec;
use super::wiring::Wiring;
use super::{Execution, ExecutionError, Task};
use crate::activity::Activity;
use crate::metrics::TaskMetrics;
use crate::operator::Ledger;
use crossbeam_channel::Sender;
use std::convert::Infallible;
use std::sync::Arc;
use std::thread;

/// Starts the subtasks of a vertex of operators.
pub(super) fn start_vertex(
    spec: &JobSpec,
    wiring: &mut Wiring<'_>,
    execution: &mut Execution,
    (vertex, name): (usize, &str),
    alive: &Sender<Infallible>,
) -> Result<(), ExecutionError> {
    let of = wiring.placement.vertices[vertex].subtasks;
    for subtask in 0..of {
        let metrics = Arc::new(TaskMetrics::new());
        let id = SubtaskId { pipeline: vertex, kind: SubtaskKind::Operator, subtask };
        let memory = execution.memory.clone();

        let mut outputs = wiring.outputs(Home::Vertex(vertex), subtask, None, &metrics)?;
        let task = OperatorSubtask {
            id,
            inputs: wiring.inputs(vertex, subtask, &mut outputs.chain),
            outputs,
            clock: spec.clock.clone(),
            control: execution.control.clone(),
            metrics: metrics.clone(),
            unmeasured: 0,
            measure_after: measure_after(memory.limit()) as usize,
        };

        let spawning = Spawning { spec, alive, of };
        spawning.spawn(execution, name, id, metrics, None, move || task.run())?;
    }
    Ok(())
}

/// The context of starting a thread.
pub(super) struct Spawning<'a> {
    pub spec: &'a JobSpec,
    pub alive: &'a Sender<Infallible>,
    /// The number of subtasks of the vertex.
    pub of: usize,
}

impl Spawning<'_> {
    pub fn spawn(
        &self,
        execution: &mut Execution,
        vertex: &str,
        id: SubtaskId,
        metrics: Arc<TaskMetrics>,
        ledger: Option<Arc<Ledger>>,
        body: impl FnOnce() -> Result<(), ExecutionError> + Send + 'static,
    ) -> Result<(), ExecutionError> {
        let subtask = id.subtask;
        let name = format!("{vertex} ({}/{})", subtask + 1, self.of);
        execution.control.expect(id);
        let (control, alive, clock) =
            (execution.control.clone(), self.alive.clone(), self.spec.clock.clone());
        let (task, figures) = (name.clone(), metrics.clone());

        let thread = thread::Builder::new()
            .name(name.chars().take(60).collect())
            .spawn(move || {
                if control.run(&task, body) {
                    figures.finish(clock.now());
                }
                figures.at(Activity::Away);
                drop(alive);
            })
            .map_err(ExecutionError::Thread)?;

        execution.threads.push(thread);
        execution.tasks.push(Task { vertex: vertex.to_owned(), subtask, metrics, ledger });
        Ok(())
    }
}
