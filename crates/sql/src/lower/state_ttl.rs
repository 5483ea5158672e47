//! What hints say of how long operators keep state.

use super::{Lowering, Producer, ProducerKind};
use crate::rel::StateTtl;

impl Lowering<'_> {
    /// Gives the inputs of an operator what hints say of them.
    pub(super) fn hint_state_ttl(&mut self, producer: &Producer, hints: &[Option<StateTtl>]) {
        let ProducerKind::Operator(place) = producer.kind else { return };
        let of_operator = &mut self.operators[place].state_ttl;
        for (ttl, hint) in of_operator.iter_mut().zip(hints) {
            if let Some(StateTtl(hinted)) = hint {
                *ttl = *hinted;
            }
        }
    }
}
