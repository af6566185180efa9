# as-installed.awk - a text of the tree as it is installed: a lesson says first how the demos get the names it calls them by;
# of README.md, only what is of use there: the demos, and how to read what they say. names: the demos, with blanks between.
BEGIN { n = split(names " NAME", name, " ") }

FNR == 1 { whole = $0 != "# proclab" }
/^## / && !whole { wanted = $0 == "## The demos" || $0 == "## How to read a verdict" }
FNR > 1 && !whole && !wanted { next }

{
    for (i = 1; i <= n; i++)
        gsub("scripts/run " name[i], name[i])
    gsub(/\]\(demos\//, "](")
    print
}

FNR == 1 {
    print ""
    print "A demo is installed as `proclab-NAME`. Where it is called `NAME`, as here, let your shell find it by that name, too:"
    print ""
    print "    PATH=$PATH:$(dirname \"$(readlink -f \"$(command -v proclab-zombie)\")\")"
}
