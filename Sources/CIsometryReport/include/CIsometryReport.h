#pragma once

/// The style sheet of reports, as UTF-8.
const char *_Nonnull isometry_report_style(void);
