// SPDX-License-Identifier: Apache-2.0
//
// Whether a sanitizer watches this build: then memory is not what it is elsewhere, and everything is slower.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLUICE_SANITIZED 1
#endif
#endif
#ifndef SLUICE_SANITIZED
#define SLUICE_SANITIZED 0
#endif
