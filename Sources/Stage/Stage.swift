/// Stage: what the four executables have in common.
///
/// - `Configuration`, `Settings`: every key is declared once; file, environment, checks, `--check-config`,
///   `--print-config` and the files under `config/` follow from the declaration.
/// - `Telemetry`: logs as JSON lines, metrics for Prometheus, health and readiness.
/// - The life of a process: command line, signals, draining, exit codes, key files, threads.
/// - The lanes: batches in, offsets and state out, drain.
///
/// It knows Kafka and HTTP, never orders. Nothing that a customer wrote appears in a log line, a metric
/// or an error.
