//! Parses answers to `INFO`: lines of `name:value`, and headings that begin with `#`.

use redis::Value;

/// Returns the trimmed value of a name. `None` where the answer is no text or lacks the name.
pub(super) fn text(answer: Value, name: &str) -> Option<String> {
    let answer: String = redis::from_redis_value(answer).ok()?;
    let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let answer = || Value::BulkString(b"# Stats\r\nevicted_keys_x:1\r\nevicted_keys:27\r\n".to_vec());
        assert_eq!(text(answer(), "evicted_keys").as_deref(), Some("27"));
        assert_eq!(text(answer(), "run_id"), None);
        assert_eq!(text(Value::Nil, "run_id"), None);
    }
}
