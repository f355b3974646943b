// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/dpdk_telemetry.h"

#include <rte_telemetry.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice {
namespace {

// DPDK's callbacks carry no argument.
std::mutex mutex;
const GatewayMetrics* served = nullptr;

/// None where no gateway is served.
Metrics collect() {
    const std::lock_guard lock(mutex);
    return served == nullptr ? Metrics() : served->collect();
}

int add(rte_tel_data* data, const std::string& key, std::uint64_t value) {
    return rte_tel_data_add_dict_u64(data, key.c_str(), value);
}

std::uint64_t sum_of(const Metric& metric) {
    std::uint64_t sum = 0;
    for (const MetricSample& sample : metric.samples) sum += sample.value;
    return sum;
}

void add_row(rte_tel_data* rows, const std::string& number, std::string_view metric,
             const MetricSample& sample) {
    rte_tel_data* row = rte_tel_data_alloc();
    if (row == nullptr) return;
    rte_tel_data_start_dict(row);
    rte_tel_data_add_dict_string(row, "metric", std::string(metric).c_str());
    for (const auto& [name, value] : sample.labels) {
        // What is longer than DPDK takes loses its end.
        rte_tel_data_add_dict_string(row, std::string(name).c_str(),
                                     value.substr(0, RTE_TEL_MAX_STRING_LEN - 1).c_str());
    }
    add(row, "value", sample.value);
    if (rte_tel_data_add_dict_container(rows, number.c_str(), row, 0) != 0) rte_tel_data_free(row);
}

bool has_label(const MetricSample& sample, std::string_view name, std::string_view value) {
    return std::ranges::any_of(sample.labels,
                               [&](const auto& label) { return label.first == name && label.second == value; });
}

/// The rows that `wanted` picks; -1 where there are none.
template <typename Wanted>
int answer_rows(rte_tel_data* data, const Metrics& metrics, Wanted&& wanted) {
    // Not an array: DPDK takes no dictionaries in those.
    rte_tel_data_start_dict(data);
    unsigned rows = 0;
    for (const Metric& metric : metrics) {
        for (const MetricSample& sample : metric.samples) {
            if (!wanted(metric, sample)) continue;
            add_row(data, std::to_string(rows++), metric.family.name, sample);
        }
    }
    return rows > 0 ? 0 : -1;
}

int answer_status(const char*, const char*, rte_tel_data* data) {
    const Metrics metrics = collect();
    rte_tel_data_start_dict(data);
    for (const Metric& metric : metrics) {
        if (metric.samples.size() == 1 && metric.samples[0].labels.empty())
            add(data, std::string(metric.family.name), metric.samples[0].value);
    }
    return metrics.empty() ? -1 : 0;
}

int answer_stats(const char*, const char* parameter, rte_tel_data* data) {
    const Metrics metrics = collect();
    if (parameter != nullptr && *parameter != '\0') {
        return answer_rows(data, metrics, [&](const Metric& metric, const MetricSample&) {
            return metric.family.name == parameter;
        });
    }
    rte_tel_data_start_dict(data);
    for (const Metric& metric : metrics) add(data, std::string(metric.family.name), sum_of(metric));
    return metrics.empty() ? -1 : 0;
}

int answer_tenants(const char*, const char* parameter, rte_tel_data* data) {
    const Metrics metrics = collect();
    if (parameter != nullptr && *parameter != '\0') {
        return answer_rows(data, metrics, [&](const Metric&, const MetricSample& sample) {
            return has_label(sample, "tenant", parameter);
        });
    }
    std::set<std::string> names;
    for (const Metric& metric : metrics) {
        for (const MetricSample& sample : metric.samples) {
            for (const auto& [name, value] : sample.labels) {
                if (name == "tenant") names.insert(value);
            }
        }
    }
    rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
    for (const std::string& name : names)
        rte_tel_data_add_array_string(data, name.substr(0, RTE_TEL_MAX_STRING_LEN - 1).c_str());
    return metrics.empty() ? -1 : 0;
}

void register_commands() {
    const auto take = [](const char* command, telemetry_cb answer, const char* help) {
        if (rte_telemetry_register_cmd(command, answer, help) != 0)
            throw std::runtime_error(std::string("DPDK's telemetry does not take the command ") + command);
    };
    take("/sluice/status", answer_status, "The gateway's own numbers. No parameters.");
    take("/sluice/stats", answer_stats,
         "Every metric, summed over its labels. Parameters: a metric's name for its samples.");
    take("/sluice/tenants", answer_tenants,
         "The names of the tenants. Parameters: a tenant's name for its samples.");
}

}  // namespace

DpdkTelemetry::DpdkTelemetry(const GatewayMetrics& metrics) {
    static const bool registered = (register_commands(), true);
    static_cast<void>(registered);
    const std::lock_guard lock(mutex);
    served = &metrics;
}

DpdkTelemetry::~DpdkTelemetry() {
    const std::lock_guard lock(mutex);
    served = nullptr;
}

}  // namespace sluice
