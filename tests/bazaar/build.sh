# Takes a second, leaves a daemon in a session of its own behind, as build tools do, and a temporary file.
setsid sleep 601 </dev/null >/dev/null 2>&1 &
echo half > "$(mktemp)"
exec sleep 1
