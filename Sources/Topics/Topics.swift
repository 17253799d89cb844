/// Topics: bytes ↔ values for each topic. JSON order events in (simdjson), Protocol Buffers both ways.
///
/// Promises: no byte from outside can stop the process; every refusal names field and value class, never the
/// value. Readers of Protobuf skip unknown fields, so that old and new records can stand on one topic (F206).
