# From the log of the benches to the tables of docs/performance.md.
function time(nanos) {
    if (nanos < 1e3) return sprintf("%.0f ns", nanos)
    if (nanos < 1e6) return sprintf("%.1f µs", nanos / 1e3)
    if (nanos < 1e9) return sprintf("%.1f ms", nanos / 1e6)
    return sprintf("%.2f s", nanos / 1e9)
}
BEGIN { FS = "\t"; OFS = " | " }
$1 == "machine" { machine = $2 }
$1 == "time" { if (!($2 in seen)) { seen[$2] = 1; order[++groups] = $2 } times[$2] = times[$2] "| " $3 " | " time($4) " |\n" }
$1 == "claim" && $5 != "-" { claims = claims "| " $2 " | " $3 " | " $4 " | " $5 " | " ($6 == "yes" ? "yes" : "**no**") " |\n" }
$1 == "claim" && $5 == "-" { others = others "| " $2 " | " $3 " | " $4 " |\n" }
END {
    print "\nMachine: " machine ".\n"
    print "### Held against a limit\n\n| what | compared | measured | limit | held |\n|---|---|---|---|---|"
    printf "%s", claims
    print "\n### How many times longer the naive way takes\n\n| what | compared | times |\n|---|---|---|"
    printf "%s", others
    print "\n### Medians"
    for (at = 1; at <= groups; at++) printf "\n%s\n\n| | median |\n|---|---|\n%s", order[at], times[order[at]]
    print ""
}
