echo @mount
cat /proc/self/mountinfo
echo @file
find /dev -print | sort | while read -r file; do
    if [ -L "$file" ]; then echo "$file|-> $(readlink "$file")"; else stat -c '%n|%F %a %u:%g %t:%T' "$file"; fi
done
echo @mask
for path in MASKED; do
    if [ -d "$path" ]; then echo "$path|a directory, $([ -n "$(ls -A "$path")" ] && echo full || echo empty)"
    elif [ -e "$path" ]; then stat -c '%n|%F %t:%T' "$path"
    else echo "$path|missing"; fi
done
echo @write
for path in / /bin WRITTEN; do
    if [ -d "$path" ]; then
        echo "$path|$( (echo x >"$path/.written") 2>&1 && echo written)"
    elif [ -e "$path" ]; then echo "$path|a file"; else echo "$path|missing"; fi
done | sed 's/|.*: \([^:]*\)$/|\1/'
echo "domain name|$( (echo x >/proc/sys/kernel/domainname) 2>&1 && echo written)" | sed 's/|.*: \([^:]*\)$/|\1/'
echo @probe
