namespace LlmGateway.Sessions;

/// <summary>What kind of message an entry is: the letter that stands first in its line.</summary>
internal enum SessionEntryKind : byte
{
    /// <summary>Anything but a tool's result.</summary>
    Message = (byte)'m',

    /// <summary>A tool's result: it is nothing without the call before it.</summary>
    ToolResult = (byte)'t',
}
