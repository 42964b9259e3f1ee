//! Lua script that Redis runs for each call.

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{RedisResult, Script};
use rate_limit::{Decision, Limit};

/// Sliding log as a sorted set: scores are microseconds of Redis's clock, so the clocks of the processes do not
/// matter. It is one script, so nothing happens between the count and the admission.
///
/// Numbers are written with `%.0f`, because Lua rounds them to 14 digits by default. Two admissions within one
/// microsecond get different members. An entry further ahead than a window was written before the server's clock was
/// set back; otherwise it would block its key until then.
const SOURCE: &str = r"
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function digits(number) return string.format('%.0f', number) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', digits(now - window))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. digits(now + window), '+inf')
local count = redis.call('ZCARD', KEYS[1])
local admitted = 0
if count < limit then
  admitted = 1
  count = count + 1
  local member, twin = digits(now), 0
  while redis.call('ZADD', KEYS[1], 'NX', digits(now), member) == 0 do
    twin = twin + 1
    member = digits(now) .. '-' .. twin
  end
  redis.call('PEXPIRE', KEYS[1], digits(math.ceil(window / 1000) + 1))
end
local leaving = math.max(count - limit, 0)
local entry = redis.call('ZRANGE', KEYS[1], leaving, leaving, 'WITHSCORES')
local reset = entry[2] and tonumber(entry[2]) + window - now or 0
return {admitted, count, reset}
";

/// The script, with its digest computed once.
pub(crate) struct LimitScript(Script);

impl LimitScript {
    pub(crate) fn new() -> Self {
        Self(Script::new(SOURCE))
    }

    /// Asks for one call of `key`: one round trip, and two more when the server does not know the script yet.
    pub(crate) async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        key: &str,
        limit: Limit,
    ) -> RedisResult<Decision> {
        let mut call = self.0.key(format!("t4:rl:{key}"));
        call.arg(limit.per_window).arg(limit.window_micros);
        let (admitted, count, reset_micros): (u8, u64, u64) = call.invoke_async(connection).await?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Decision {
            admitted: admitted == 1,
            limit: limit.per_window,
            remaining: limit.per_window.saturating_sub(count),
            reset_micros,
        })
    }
}
