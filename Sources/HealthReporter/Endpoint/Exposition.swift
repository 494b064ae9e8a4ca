/// Prometheus's text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): families in, text out.
package enum Exposition {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Samples of one name.
    package struct Family: Sendable, Equatable {
        package enum Kind: String, Sendable {
            case counter, gauge
        }

        package var name: String
        package var kind: Kind
        package var help: String
        package var samples: [Sample]

        /// A family of samples.
        package init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
            (self.name, self.kind, self.help, self.samples) = (name, kind, help, samples)
        }

        /// A family of a single sample without labels.
        package init(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
            self.init(name, kind, help, [Sample(value)])
        }
    }

    /// One value.
    package struct Sample: Sendable, Equatable {
        package var labels: [Label]
        package var value: Double

        package init(_ value: Double, _ labels: Label...) {
            (self.labels, self.value) = (labels, value)
        }

        package init(_ value: Int, _ labels: Label...) {
            (self.labels, self.value) = (labels, Double(value))
        }

        package init(_ isTrue: Bool, _ labels: Label...) {
            (self.labels, self.value) = (labels, isTrue ? 1 : 0)
        }
    }

    /// What tells samples of a family apart.
    package struct Label: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            (self.name, self.value) = (name, value)
        }
    }

    /// The text, one family after the other; those without samples are left out.
    package static func text(_ families: [Family]) -> String {
        families.filter { !$0.samples.isEmpty }.map { family in
            let name = family.name
            let header = "# HELP \(name) \(escaped(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
            return family.samples.reduce(into: header) { text, sample in
                text += name
                if !sample.labels.isEmpty {
                    let labels = sample.labels.map { label in
                        "\(label.name)=\"\(escaped(label.value).replacing("\"", with: "\\\""))\""
                    }
                    text += "{\(labels.joined(separator: ","))}"
                }
                text += " \(number(sample.value))\n"
            }
        }.joined()
    }

    /// A backslash and a newline would end what they stand in.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    /// Whole numbers without a fraction, others as short as reads back the same.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
