//! `'connector' = 'blackhole'`: discards rows.

use engine::connector::{ConnectorError, Rows, Sink, SinkFactory};
use types::EventTime;

#[derive(Debug, Clone, Copy)]
pub struct BlackholeTable;

struct Blackhole;

impl SinkFactory for BlackholeTable {
    fn open(&self, _subtask: usize, _of: usize) -> Result<Box<dyn Sink>, ConnectorError> {
        Ok(Box::new(Blackhole))
    }
}

impl Sink for Blackhole {
    fn write(&mut self, _rows: &Rows<'_>) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn watermark(&mut self, _watermark: EventTime) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }
}
