# assemble.awk - the replay page from its parts:
#
#     awk -v dir=lib/report/page -f assemble.awk page.html                                 the template
#     awk -v dir=... -v root=. -f assemble.awk part=run RUN.jsonl part=page page.html      the page of a run
#
# A line "@include FILE" becomes that file. In the page of a run "@sources@" becomes the demos' sources that its events
# name, and "@events@" the events, in the same way as lib/report/page.c does it.

function fail(why) {
    print why > "/dev/stderr"
    failed = 1
    exit 1
}

function remember_source(line,    file) {
    if (!match(line, /"file": *"demos\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+\.c"/))
        return
    file = substr(line, RSTART, RLENGTH)
    sub(/^"file": *"/, "", file)
    sub(/"$/, "", file)
    if (!(file in known))
        files[++n_files] = file
    known[file] = 1
}

# As text of HTML. Of a demo that is not in this checkout there is nothing, and the page says so.
function put_source(file,    path, line) {
    path = root "/" file
    if ((getline line < path) <= 0)
        return
    printf "<pre class=\"source\" data-file=\"%s\">\n", file
    do {
        gsub(/&/, "\\&amp;", line)
        gsub(/</, "\\&lt;", line)
        print line
    } while ((getline line < path) > 0)
    print "</pre>"
}

part == "run" {
    events[++n] = $0
    started = started || /"kind": *"start"/
    remember_source($0)
    next
}

root != "" && !started { fail("scripts/replay: that is no run of a demo: it has no start") }

root != "" && $0 == "@sources@" {
    for (i = 1; i <= n_files; i++)
        put_source(files[i])
    next
}

# In JSON "<" stands in strings only; as \u003c it can end no <script>, whatever a process is called.
root != "" && $0 == "@events@" {
    for (i = 1; i <= n; i++) {
        gsub(/</, "\\u003c", events[i])
        print events[i]
    }
    next
}

$1 == "@include" {
    path = dir "/" $2
    while ((got = (getline line < path)) > 0)
        print line
    if (got < 0)
        fail("there is no " path)
    close(path)
    next
}

{ print }
