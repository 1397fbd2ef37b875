//! Words that several kinds of things share.

crate::wire_enum! {
    /// How urgent it is.
    pub enum Priority {
        /// At once.
        Critical = "critical" | "emergency",
        /// Next.
        High = "high",
        /// As planned.
        Medium = "medium",
        /// When there is time.
        Low = "low",
    }
}

crate::wire_enum! {
    /// What kind of maintenance it is (EN 13306).
    pub enum MaintenanceType {
        /// Before a failure, by plan.
        Preventive = "preventive",
        /// After a failure or finding.
        Corrective = "corrective",
        /// Before a failure, by measured condition.
        Predictive = "predictive",
        /// At once, to end danger or loss.
        Emergency = "emergency",
        /// Looking and measuring.
        Inspection = "inspection",
        /// Comparing with a standard.
        Calibration = "calibration",
        /// Cleaning.
        Cleaning = "cleaning",
        /// Greasing and oiling.
        Lubrication = "lubrication",
    }
}
