//! Rate limits per address: a token bucket each, which fills as time passes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;

/// Maximum of addresses with a bucket of their own; further ones share one.
const ADDRESSES_MAX: usize = 16_384;
/// Interval of removals of full buckets while there is no room for a new one.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The long-term rate, and the burst.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

pub(super) struct Buckets {
    rate: Rate,
    table: Mutex<Senders>,
}

#[derive(Default)]
struct Senders {
    buckets: HashMap<IpAddr, Bucket>,
    others: Option<Bucket>,
    swept: Duration,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * rate.per_second).min(rate.burst);
        self.at = now;
    }
}

impl Buckets {
    pub(super) fn new(rate: Rate) -> Buckets {
        Buckets { rate, table: Mutex::default() }
    }

    /// Takes one from the bucket, or returns how long to wait for one.
    pub(super) fn take(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        self.with(address, now, |bucket, rate| {
            if bucket.left >= 1.0 {
                bucket.left -= 1.0;
                return Ok(());
            }
            Err(wait(bucket, rate))
        })
    }

    /// As [`Buckets::take`], but takes nothing.
    pub(super) fn has(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        self.with(
            address,
            now,
            |bucket, rate| if bucket.left >= 1.0 { Ok(()) } else { Err(wait(bucket, rate)) },
        )
    }

    fn with<T>(&self, address: IpAddr, now: Duration, act: impl FnOnce(&mut Bucket, Rate) -> T) -> T {
        let key = network(address);
        let mut table = self.table.lock();
        let full = Bucket { left: self.rate.burst, at: now };

        if !table.buckets.contains_key(&key) && table.buckets.len() >= ADDRESSES_MAX {
            if now >= table.swept + SWEEP_EVERY {
                table.swept = now;
                let rate = self.rate;
                table.buckets.retain(|_, bucket| {
                    bucket.fill(rate, now);
                    bucket.left < rate.burst
                });
            }
            if table.buckets.len() >= ADDRESSES_MAX {
                let others = table.others.get_or_insert(full);
                others.fill(self.rate, now);
                return act(others, self.rate);
            }
        }

        let bucket = table.buckets.entry(key).or_insert(full);
        bucket.fill(self.rate, now);
        act(bucket, self.rate)
    }
}

fn wait(bucket: &Bucket, rate: Rate) -> Duration {
    Duration::from_secs_f64(((1.0 - bucket.left) / rate.per_second.max(1e-6)).min(3_600.0))
}

/// Returns the network of an address: the holder of an IPv6 address has the 2^64 addresses of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + n))
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_again_and_others_do_not_notice() {
        let buckets = Buckets::new(RATE);
        let at = Duration::from_millis;
        assert_eq!(buckets.has(address(1), at(0)), Ok(()));
        for _ in 0..3 {
            assert_eq!(buckets.take(address(1), at(0)), Ok(()));
        }
        assert_eq!(buckets.take(address(1), at(0)), Err(at(500)));
        assert_eq!(buckets.take(address(2), at(0)), Ok(()));
        assert_eq!(buckets.take(address(1), at(500)), Ok(()));
        assert!(buckets.has(address(1), at(500)).is_err());
    }

    #[test]
    fn one_network_of_ipv6_is_one_client_and_ipv4_in_ipv6_is_ipv4() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), address(1));
    }

    #[test]
    fn the_table_has_a_bound_and_makes_room_once_buckets_are_full_again() {
        let buckets = Buckets::new(RATE);
        let most = u32::try_from(ADDRESSES_MAX).expect("small");
        for n in 0..most + 100 {
            let _ = buckets.take(address(n), Duration::ZERO);
        }
        assert_eq!(buckets.table.lock().buckets.len(), ADDRESSES_MAX);
        assert!(buckets.take(address(most + 200), Duration::ZERO).is_err(), "those beyond share a bucket");
        assert_eq!(buckets.take(address(most + 200), Duration::from_secs(10)), Ok(()));
        assert_eq!(buckets.table.lock().buckets.len(), 1);
    }
}
