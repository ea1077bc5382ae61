using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace LlmGateway;

/// <summary>Says in a sentence why the gateway could not listen, for what only the attempt can show.</summary>
internal static class ListenFailure
{
    /// <summary>The process's exit code.</summary>
    public const int ExitCode = 1;

    /// <summary>The sentence; null for exceptions that have nothing to do with listening.</summary>
    public static string? Describe(Exception exception) => exception switch
    {
        IOException { InnerException: AddressInUseException } =>
            $"The gateway cannot start: {exception.Message} Stop the other program, or choose another address with --urls http://localhost:8081.",
        SocketException =>
            $"The gateway cannot listen at its address: {exception.Message}. Choose another one with --urls http://localhost:8080.",
        _ => null,
    };
}
