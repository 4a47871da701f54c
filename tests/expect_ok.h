#pragma once

#include <gtest/gtest.h>

#include "millrace/framework/status.h"

#define ASSERT_OK(expression)                             \
  do {                                                    \
    const ::millrace::Status status_of_ = (expression);   \
    ASSERT_TRUE(status_of_.ok()) << status_of_.message(); \
  } while (false)
#define EXPECT_OK(expression)                             \
  do {                                                    \
    const ::millrace::Status status_of_ = (expression);   \
    EXPECT_TRUE(status_of_.ok()) << status_of_.message(); \
  } while (false)
