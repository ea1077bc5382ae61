using System.Text.Json.Serialization;

namespace LlmGateway.ModelTests;

/// <summary>How a probe ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProbeStatus>))]
internal enum ProbeStatus
{
    /// <summary>The model can do it.</summary>
    [JsonStringEnumMemberName("passed")]
    Passed,

    /// <summary>The model answered, or its provider refused, in a way that shows that it cannot.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>The call went wrong for another reason (a time-out, a limit): nothing is known.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>Not asked, because an earlier probe made it pointless.</summary>
    [JsonStringEnumMemberName("skipped")]
    Skipped,
}
