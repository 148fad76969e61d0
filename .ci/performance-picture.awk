# From the log of the benches to a picture: one bar for each way to do a thing, on a logarithmic scale.
function time(nanos) {
    if (nanos < 1e3) return sprintf("%.0f ns", nanos)
    if (nanos < 1e6) return sprintf("%.1f µs", nanos / 1e3)
    return sprintf("%.1f ms", nanos / 1e6)
}
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
# Each power of ten is as wide as any other; the scale starts at a microsecond.
function width(nanos) { nanos /= 1e3; return nanos <= 1 ? 1 : log(nanos) / log(10) * 90 }
# Our own call is the first of its group (or a count, by what it counts), the floor is made of system calls, the rest is naive.
function colour(name, first) { return first || name ~ /entries$/ ? "#1f77b4" : name ~ /statx|getdents64|raw|not parsed/ ? "#9aa5b1" : "#e08e45" }
function line(x, y, text, weight) {
    body = body sprintf("<text x=\"%d\" y=\"%d\" font-weight=\"%s\">%s</text>\n", x, y, weight, escaped(text))
}
BEGIN {
    FS = "\t"; left = 330; y = 40
    wanted = "^(mount look-up, depth 8, (40|10000) mounts|memory emptyDir\\?, (40|10000) mounts|" \
        "read-only private bind and unmount below a root, 10000|mounts\\(\\), 10000|count to 8|count all of 100,000)"
}
$1 != "time" || $2 !~ wanted { next }
$2 ~ /^count to 8/ && $3 !~ /^(8|1,000,000) entries/ { next }
$2 != group { group = $2; y += 14; line(12, y + 11, $2, "bold"); y += 20; first = 1 }
{
    line(24, y + 11, $3, "normal")
    body = body sprintf("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"12\" fill=\"%s\"/>\n", left, y, width($4), colour($3, first))
    line(left + 6 + width($4), y + 11, time($4), "normal")
    y += 17; first = 0
}
END {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"940\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", y + 20
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    print "<text x=\"12\" y=\"24\" font-size=\"14\">Median time of one answer, logarithmic: blue is Mountwright, grey the raw system calls, orange the naive way</text>"
    printf "%s</svg>\n", body
}
