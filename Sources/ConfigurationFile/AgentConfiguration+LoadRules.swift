extension AgentConfiguration {
    /// How the weight of a service follows load: the rule that asks for the least decides. There is one at least.
    ///
    /// Each rule is a measure and the figure up to which the full weight is reported. Beyond it the weight falls in a straight
    /// line, to `floor` where the measure reaches its end: 1.0 for the shares (cpu, cpu_pressure, memory), twice the figure for
    /// the others.
    public struct LoadRules: Sendable, Equatable {
        /// The share of CPU time that is used: above 0, below 1. Nil: no rule.
        public var cpu: Double?
        /// The share of time in which some task waited for a CPU (`/proc/pressure/cpu`, some avg10): above 0, below 1.
        public var cpuPressure: Double?
        /// The share of memory that is not available (`MemAvailable`): above 0, below 1.
        public var memory: Double?
        /// The load average over one minute, for each CPU: above 0, at most 1000.
        public var loadAverage: Double?
        /// Connections that clients hold open: 1 to 100,000,000.
        public var connections: Int?
        /// A program that prints a number, and the figure up to which the full weight is reported.
        public var command: Command?
        /// The smallest weight while the service is up: 1 or more, not above the largest.
        public var floor: Int
        /// The largest weight: 1 or more, not above the service's `weight`, which load only ever lowers; nil: that one.
        public var ceiling: Int?
        /// The time constant of the exponential average over the measures: 0 s (none) to 10 min.
        public var smoothing: Duration
        /// The smallest change of the weight that is reported, in hundredths of the service's weight: 1 to 50. It is also how far
        /// the weight must turn back before it is moved the other way.
        public var step: Int

        /// A program's figure.
        public struct Command: Sendable, Equatable {
            /// The program, an absolute path, and its arguments; no shell is in between. It prints one number, 0 or more.
            /// It is looked for each time it is run.
            public var arguments: [String]
            /// The figure up to which the full weight is reported: above 0, at most 10¹².
            public var full: Double

            /// A command of these parts.
            public init(_ arguments: [String], full: Double) {
                self.arguments = arguments
                self.full = full
            }
        }

        /// Creates rules from values that are already known to be valid.
        public init(
            cpu: Double? = nil, cpuPressure: Double? = nil, memory: Double? = nil, loadAverage: Double? = nil,
            connections: Int? = nil, command: Command? = nil, floor: Int = 1, ceiling: Int? = nil,
            smoothing: Duration = .seconds(10), step: Int = 5
        ) {
            self.cpu = cpu
            self.cpuPressure = cpuPressure
            self.memory = memory
            self.loadAverage = loadAverage
            self.connections = connections
            self.command = command
            self.floor = floor
            self.ceiling = ceiling
            self.smoothing = smoothing
            self.step = step
        }
    }
}
