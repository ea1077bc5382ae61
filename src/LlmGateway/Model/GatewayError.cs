namespace LlmGateway.Model;

/// <summary>An expected failure as the client will see it: HTTP status and the members of OpenAI's error object.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">OpenAI's <c>error.type</c>.</param>
/// <param name="Code">Stable code, see <see cref="ErrorCodes"/>.</param>
/// <param name="Message">What went wrong and what to do; never a secret, never a prompt.</param>
/// <param name="Param">The field at fault, if one is.</param>
/// <param name="RetryAfter">Sent as <c>retry-after</c>, in whole seconds.</param>
/// <param name="StopRetrying">Whether <c>x-should-retry: false</c> tells SDKs that the gateway has retried already.</param>
public sealed record GatewayError(
    int Status,
    string Type,
    string? Code,
    string Message,
    string? Param = null,
    TimeSpan? RetryAfter = null,
    bool StopRetrying = false)
{
    /// <summary>A 400 for the client's own fault.</summary>
    public static GatewayError Invalid(string code, string message, string? param = null) =>
        new(400, ErrorTypes.InvalidRequest, code, message, param);

    /// <summary>A 400 that names the member in its message, before what is demanded of it.</summary>
    public static GatewayError InvalidMember(string param, string demand) =>
        InvalidValue(param, $"Invalid value for '{param}'. {demand}");

    /// <summary>A 400 for a member that is there and of the wrong kind.</summary>
    public static GatewayError InvalidValue(string param, string message) =>
        Invalid(ErrorCodes.InvalidRequest, message, param);
}
