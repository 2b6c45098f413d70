#!/bin/sh
# A small MCP server for scripts: it has the tools read_note and write_note,
# answers every call of one with "done", and ends with status $1 (0) when its
# input does.
echo "server: started" >&2
while read -r line; do
  id=${line#*\"id\":}
  id=${id%%,*}
  case $line in
  *'"initialize"'*)
    echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"}}}'
    ;;
  *'"tools/list"'*)
    echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"tools":[{"name":"read_note","inputSchema":{"type":"object","properties":{"path":{"type":"string"}}}},{"name":"write_note","inputSchema":{"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"}}}}]}}'
    ;;
  *'"tools/call"'*)
    echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"content":[{"type":"text","text":"done"}]}}'
    ;;
  esac
done
exit "${1:-0}"
