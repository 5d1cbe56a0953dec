#!/bin/sh
# Types and tests of the page, and a build of it that must equal the committed one. Needs Node 20.19 or newer with npm.
set -eu
built=src/dfdetect/serve/page
if ! command -v npm >/dev/null 2>&1; then
    echo "NOT CHECKED: the page, because npm is not here (Debian: apt-get install npm)"
    exit 0
fi
cd web
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --silent
fi
npm run --silent check
npm test --silent
npx vite build --logLevel warn --outDir ../build/page
cd ..
if ! diff -r build/page "$built"; then
    echo "$built is not what web/ builds: run \`npm run build\` in web/ and commit it" >&2
    exit 1
fi
echo "the committed page is what web/ builds"
