namespace LlmGateway.Telemetry;

/// <summary>One line for the log, formatted off the thread that made it.</summary>
internal interface ILogLine
{
    void WriteTo(LogLineWriter writer);
}
