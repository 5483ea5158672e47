//! Applies STATE_TTL hints to operators.

use super::{Lowering, Producer, ProducerKind};
use crate::rel::StateTtl;

impl Lowering<'_> {
    /// Sets the state TTL of each input of an operator that has a hint.
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
