// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/quiescence.h"

#include <cstdlib>
#include <new>

namespace sluice {

Quiescence::Quiescence(unsigned readers) {
    const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers);
    state_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes)));
    if (!state_ || rte_rcu_qsbr_init(state_.get(), readers) != 0) throw std::bad_alloc();
}

void Quiescence::Free::operator()(rte_rcu_qsbr* state) const noexcept {
    std::free(state);
}

void Quiescence::wait() noexcept {
    rte_rcu_qsbr_synchronize(state_.get(), RTE_QSBR_THRID_INVALID);
}

Quiescence::Reader::Reader(Quiescence& quiescence, unsigned number) noexcept
    : state_(quiescence.state_.get()), number_(number) {
    rte_rcu_qsbr_thread_register(state_, number_);
    rte_rcu_qsbr_thread_online(state_, number_);
}

Quiescence::Reader::~Reader() {
    rte_rcu_qsbr_thread_offline(state_, number_);
    rte_rcu_qsbr_thread_unregister(state_, number_);
}

}  // namespace sluice
