#include "CRdKafka.h"

rd_kafka_resp_err_t passflow_mock_push_error(rd_kafka_mock_cluster_t *cluster, int32_t broker,
                                             int16_t api, int count, rd_kafka_resp_err_t error,
                                             int rtt_ms) {
  for (int i = 0; i < count; i++) {
    rd_kafka_resp_err_t outcome = rd_kafka_mock_broker_push_request_error_rtts(
        cluster, broker, api, (size_t)1, error, rtt_ms);
    if (outcome != RD_KAFKA_RESP_ERR_NO_ERROR) return outcome;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}
