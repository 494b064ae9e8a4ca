import ConfigurationFile
import NetworkAddress

/// The agent's state as text for a terminal.
public struct StatusTable: Sendable {
    private let report: Report
    private let control: ControlAnswer
    private let isColoured: Bool

    /// A table of what the agent said.
    ///
    /// - Parameter isColoured: whether states stand out in colour (ECMA-48); not for files, nor with `NO_COLOR`.
    public init(report: Report, control: ControlAnswer, isColoured: Bool) {
        self.report = report
        self.control = control
        self.isColoured = isColoured
    }

    /// The table, lines that each end in a newline.
    public var text: String {
        let header = "\(report.agent) on \(report.host), generation \(report.generation), \(report.time)"
        let warnings = aligned(report.warnings.map { [Cell("warning", .yellow), Cell($0)] })
        let directors = [""] + directorLines + joinLines
        return ([header, ""] + serviceLines + directors + (warnings.isEmpty ? [] : [""]) + warnings).map {
            $0 + "\n"
        }.joined()
    }

    private var serviceLines: [String] {
        var rows = [["SERVICE", "STATE", "WEIGHT", "CONNECTIONS", "ADDRESS", "REASON"].map(Cell.init)]
        var details: [[String]] = [[]]
        for service in report.services {
            rows.append([
                Cell(service.name), Cell(service.state.rawValue, colour(of: service.state)),
                Cell("\(service.weight)/\(service.baseWeight)"),
                Cell(service.connections.map(String.init) ?? (service.transport == .udp ? "-" : "unknown")),
                Cell(addresses(of: service)), Cell(service.reason),
            ])
            details.append(self.details(of: service))
        }
        return zip(aligned(rows), details).flatMap { [$0] + $1 }
    }

    private func addresses(of service: Report.Service) -> String {
        let ports = service.ports.isEmpty ? "all ports" : service.ports.map(String.init).joined(separator: ",")
        let vips = service.vips.map(\.description).joined(separator: ",")
        return "\(vips) \(service.transport.rawValue) \(ports) \(service.forward.rawValue)"
    }

    private func details(of service: Report.Service) -> [String] {
        let problems = service.setup.problems.map { ["  setup", "problem", "", $0] }
        let warnings = service.setup.warnings.map { ["  setup", "warning", "", $0] }
        let checks = service.checks.flatMap { check in
            [
                [
                    "  \(check.name)", check.ok ? "ok" : "failing",
                    check.latencyMilliseconds.map { "\($0) ms" } ?? "", "\(check.message), since \(check.since)",
                ]
            ] + (check.warning.map { [["  \(check.name)", "warning", "", $0]] } ?? [])
        }
        let drains = control.administered.filter { $0.name == service.name }.map { entry in
            let end = entry.until.map { ", until \($0)" } ?? ""
            let directors = entry.waitingFor.map(\.description).joined(separator: ", ")
            let unconcerned = entry.unconcerned.map(\.description).joined(separator: ", ")
            return [
                "  \(entry.mode.rawValue)", "by hand", "",
                "since \(entry.since)\(end)" + (directors.isEmpty ? "" : ", not yet acknowledged by \(directors)")
                    + (entry.settling.isEmpty ? "" : ", what directors sent before may still be on its way")
                    + (entry.secondsLeft.map { ", what is under way is left in peace for \($0) s" } ?? "")
                    + (unconcerned.isEmpty ? "" : ", not waiting for \(unconcerned): never asks about it")
                    + entry.testimony.map { "; \($0)" }.joined(),
            ]
        }
        let weights = control.weights.filter { $0.name == service.name }.map { entry in
            ["  weight", "by hand", "", "\(entry.weight), since \(entry.since)"]
        }
        let setup = (problems.isEmpty ? [["  setup", "ok", "", ""]] : problems) + warnings
        return aligned(
            (setup + checks + drains + weights).map { row in
                row.enumerated().map { column, text in
                    Cell(text, column == 1 ? colour(ofVerdict: text) : nil)
                }
            })
    }

    private var directorLines: [String] {
        if control.directors.isEmpty { return ["no directors are configured"] }
        var rows = [["DIRECTOR", "NAME", "LAST POLL", "ACKNOWLEDGED"].map(Cell.init)]
        for director in control.directors {
            let age = director.lastPoll.map { max(0, report.time.secondsSinceEpoch - $0.secondsSinceEpoch) }
            rows.append([
                Cell(director.address.description), Cell(director.name ?? "-"),
                director.refused.map { Cell("refused: \($0)", .red) }
                    ?? Cell(age.map { "\($0) s ago" } ?? "never", age == nil ? .yellow : nil),
                Cell(director.acknowledgedGeneration.map(String.init) ?? "-"),
            ])
        }
        return aligned(rows)
    }

    /// How this server stands with the directors it joins by itself, behind an empty line; nothing where there are none.
    private var joinLines: [String] {
        guard !control.joins.isEmpty else { return [] }
        let header = ["JOIN", "STATE", "SERVICES", "REASON"].map(Cell.init)
        let rows = control.joins.map { join in
            let services = join.services.joined(separator: ",")
            return [
                Cell(join.director), Cell(join.state.rawValue, colour(of: join.state)),
                Cell(services.isEmpty ? "-" : services), Cell(join.reason),
            ]
        }
        return [""] + aligned([header] + rows)
    }
}

extension StatusTable {
    private enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    private struct Cell {
        let text: String
        let colour: Colour?

        init(_ text: String, _ colour: Colour?) {
            // A reason or an answer comes from elsewhere: it must not move the cursor.
            self.text = String(text.map { $0.isControl ? "?" : $0 })
            self.colour = colour
        }

        init(_ text: String) {
            self.init(text, nil)
        }
    }

    private func colour(of state: ServiceState) -> Colour {
        switch state {
        case .up: .green
        case .draining, .drained: .yellow
        case .down, .maint: .red
        }
    }

    private func colour(of state: JoinStatus.State) -> Colour {
        switch state {
        case .joined: .green
        case .joining: .yellow
        case .refused, .unreachable: .red
        }
    }

    private func colour(ofVerdict text: String) -> Colour {
        switch text {
        case "ok": .green
        case "by hand", "warning": .yellow
        default: .red
        }
    }

    /// Rows of equally many cells, each column as wide as its widest cell, two spaces apart.
    private func aligned(_ rows: [[Cell]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].text.count }.max() ?? 0 }
        return rows.map { row in
            let last = row.lastIndex { !$0.text.isEmpty } ?? 0
            return row[...last].enumerated().map { column, cell in
                let padding = column == last ? "" : String(repeating: " ", count: widths[column] - cell.text.count + 2)
                guard isColoured, let colour = cell.colour else { return cell.text + padding }
                return "\u{1B}[\(colour.rawValue)m\(cell.text)\u{1B}[0m\(padding)"
            }.joined()
        }
    }
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
