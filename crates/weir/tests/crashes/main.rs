//! A Weir that is killed at random moments: every accepted event is counted once, whatever else happens.

#[path = "../support/mod.rs"]
mod support;

#[path = "../../../storage/tests/servers/mod.rs"]
mod servers;

mod world;

use std::time::Duration;

use servers::kafka::KafkaServer;
use servers::redis::RedisServer;
use servers::wait_until;
use support::pause_for;
use world::{KILLS, World, settled};

/// Returns a number below `limit` that differs from run to run.
fn random(limit: u64) -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0) % limit
}

#[test]
fn every_event_that_was_accepted_is_counted_once_though_the_process_is_killed() {
    killed_again_and_again(&World::new(None, None), Duration::from_millis(50));
}

#[test]
fn with_kafka_and_redis_too() {
    let Some(kafka) = KafkaServer::start(&[]) else { return };
    let Some(redis) = RedisServer::start(&[]) else { return };
    killed_again_and_again(&World::new(Some(kafka), Some(redis)), Duration::from_millis(500));
}

fn killed_again_and_again(world: &World, at_least: Duration) {
    for _ in 0..KILLS {
        let up = world.start();
        let producers = world.produce(&up);
        pause_for(at_least + Duration::from_millis(random(900)));
        up.kill();
        producers.into_iter().for_each(|producer| producer.join().expect("a producer without a complaint"));
    }
    world.check(world.start(), KILLS);
}

#[test]
fn nothing_is_lost_while_kafka_goes_away_and_hangs() {
    let Some(kafka) = KafkaServer::start(&[]) else { return };
    let mut world = World::new(Some(kafka), None);
    for round in 0..4 {
        let up = world.start();
        let producers = world.produce(&up);
        pause_for(Duration::from_millis(500 + random(500)));

        let kafka = world.kafka.as_mut().expect("it is there");
        if round % 2 == 0 {
            kafka.down();
            pause_for(Duration::from_millis(random(2_000)));
            kafka.up();
        } else {
            kafka.hang(true);
            pause_for(Duration::from_secs(10));
            kafka.hang(false);
        }

        pause_for(Duration::from_millis(1_000 + random(1_000)));
        up.kill();
        producers.into_iter().for_each(|producer| producer.join().expect("a producer without a complaint"));
    }

    world.check(world.start(), KILLS);
}

#[test]
fn nothing_is_lost_while_redis_goes_away_hangs_and_comes_back_empty() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let mut world = World::new(None, Some(redis));
    for round in 0..8 {
        let up = world.start();
        let producers = world.produce(&up);
        pause_for(Duration::from_millis(200 + random(300)));

        let redis = world.redis.as_mut().expect("it is there");
        match round % 4 {
            0 => {
                redis.down();
                pause_for(Duration::from_millis(random(1_500)));
                redis.up();
            }
            1 => {
                redis.hang(true);
                pause_for(Duration::from_secs(if round == 1 { 10 } else { 1 }));
                redis.hang(false);
            }
            2 => drop(redis.ask(&["CLIENT", "KILL", "TYPE", "normal"])),
            _ => drop(redis.ask(&["FLUSHALL"])),
        }

        pause_for(Duration::from_millis(100 + random(300)));
        up.kill();
        producers.into_iter().for_each(|producer| producer.join().expect("a producer without a complaint"));
    }

    let up = world.start();
    settled(&up);
    let redis = world.redis.as_ref().expect("it is there");
    wait_until("all results are there", || {
        redis.ask(&["DBSIZE"]).parse::<u64>().is_ok_and(|keys| keys > 100)
    });

    pause_for(Duration::from_secs(1));
    redis.ask(&["FLUSHALL"]);
    world.check(up, KILLS);
}
