#!/bin/sh
# Of the list of hooked functions: what the library exports, or what libgreen's own calls are renamed to.
# Usage: names.sh exports|renames HOOKED_H
case $1 in
    exports)
        echo '{ global: green_[!_]*;'
        sed -n -e 's/^GREEN_HOOKED[A-Z_]*([A-Z]*, [^,]*, \([a-z0-9_]*\), .*/\1;/p' \
            -e 's/^GREEN_HOOKED_ALIAS([a-z0-9_]*, \([a-z0-9_]*\)).*/\1;/p' "$2"
        echo 'local: *; };'
        ;;
    renames)
        sed -n -e 's/^GREEN_HOOKED[A-Z_]*([A-Z]*, [^,]*, \([a-z0-9_]*\), .*/\1 green_real_\1/p' "$2"
        ;;
esac
