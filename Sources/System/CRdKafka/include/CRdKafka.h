#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/// One variadic call that Swift cannot make: the next `count` requests of kind `api` that reach
/// `broker` are answered with `error` after `rtt_ms`. Error 0 with a long delay is a lost
/// acknowledgement: the request takes effect, its answer comes too late.
rd_kafka_resp_err_t passflow_mock_push_error(rd_kafka_mock_cluster_t *cluster, int32_t broker,
                                             int16_t api, int count, rd_kafka_resp_err_t error,
                                             int rtt_ms);
