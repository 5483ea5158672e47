//! The operations of a session. Their number is bounded; the oldest that have ended give way.

use std::collections::VecDeque;
use std::sync::Arc;

use super::fault::{Fault, GATEWAY};
use super::handle::Handle;
use super::operation::Operation;

/// The operations in the order of their arrival.
#[derive(Default)]
pub(super) struct Operations(VecDeque<Arc<Operation>>);

impl Operations {
    /// Adds an operation. Fails where the limit is reached and all are still active.
    pub(super) fn add(&mut self, operation: Arc<Operation>, at_most: usize) -> Result<(), Fault> {
        if self.0.len() >= at_most {
            let Some(over) = self.0.iter().position(|operation| operation.is_at_rest()) else {
                let message =
                    format!("the session has {at_most} unfinished statements: close or cancel some of them");
                return Err(Fault::new(GATEWAY, message));
            };
            if let Some(operation) = self.0.remove(over) {
                operation.close();
            }
        }
        self.0.push_back(operation);
        Ok(())
    }

    pub(super) fn get(&self, handle: Handle) -> Result<Arc<Operation>, Fault> {
        let found = self.0.iter().find(|operation| operation.handle == handle).cloned();
        found.ok_or_else(|| {
            let message =
                format!("Can not find the submitted operation in the OperationManager with the {handle}.");
            Fault::new(GATEWAY, message)
        })
    }

    /// Closes and removes the operation of a handle, if any, and returns it.
    pub(super) fn close(&mut self, handle: Handle) -> Option<Arc<Operation>> {
        let at = self.0.iter().position(|operation| operation.handle == handle)?;
        let operation = self.0.remove(at)?;
        operation.close();
        Some(operation)
    }

    pub(super) fn close_all(&mut self) {
        self.0.drain(..).for_each(|operation| operation.close());
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::Outcome;
    use super::*;

    #[test]
    fn what_is_over_gives_way_and_what_goes_on_does_not() {
        let mut operations = Operations::default();
        let added: Vec<Arc<Operation>> = (0..3).map(|_| Arc::new(Operation::new(false))).collect();
        for operation in &added[..2] {
            operations.add(operation.clone(), 2).expect("room");
        }
        assert!(operations.add(added[2].clone(), 2).is_err());
        added[1].settle(Ok(Outcome::ok()));
        operations.add(added[2].clone(), 2).expect("room");
        assert!(operations.get(added[1].handle).is_err());
        assert!(operations.get(added[0].handle).is_ok() && operations.get(added[2].handle).is_ok());
    }
}
